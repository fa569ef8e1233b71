/**
 * Greets.
 */
exports.helloHttp = (req, res) => {
  const name = req.query.name || req.body.name || 'World'
  res.set('x-by', req.get('user-agent') ? 'agent' : 'none')
  res.send(`Hello ${name}!`)
}
