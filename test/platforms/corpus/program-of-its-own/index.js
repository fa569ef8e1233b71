const { createServer } = require('node:http')

function start() {
  createServer((request, response) => response.end(`${request.url} ${require.main.filename === __filename}`)).listen(8080)
}

if (require.main === module) start()
