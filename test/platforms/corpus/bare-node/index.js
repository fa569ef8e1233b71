module.exports = (req, res) => {
  let size = 0
  req.on('data', (chunk) => (size += chunk.length))
  req.on('end', () => {
    res.writeHead(200, { 'content-type': 'text/plain' })
    res.end(`${req.method} ${req.url} ${size}`)
  })
}
