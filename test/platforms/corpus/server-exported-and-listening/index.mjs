import { createServer } from 'node:http'

const server = createServer((req, res) => res.end(req.url))
server.listen(process.env.PORT || 8080, () => console.log('up'))
export default server
