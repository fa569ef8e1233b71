module.exports = function files(req, res, next) {
  if (req.path === '/there') return res.send('here')
  next()
}
