import { createServer } from 'node:http'

createServer((req, res) => res.end(`${req.method} ${req.url}`)).listen(process.env.PORT)
