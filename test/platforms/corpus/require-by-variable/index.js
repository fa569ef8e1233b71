const fs = require('fs')
const http = require('http')
const path = require('path')

const routes = {}
for (const file of fs.readdirSync(path.join(__dirname, 'routes')))
  routes['/' + path.parse(file).name] = require(path.join(__dirname, 'routes', file))

module.exports = http.createServer((req, res) => {
  const route = routes[req.url]
  if (route) return route(req, res)
  res.statusCode = 404
  res.end()
})
