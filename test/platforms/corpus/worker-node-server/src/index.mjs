import { createServer } from 'node:http'
import { httpServerHandler } from 'cloudflare:node'

const server = createServer((req, res) => {
  res.writeHead(200, { 'content-type': 'text/plain' })
  res.end(`node ${req.method} ${req.url}`)
})
server.listen(8080)

export default httpServerHandler({ port: 8080 })
