const express = require('express')

const app = express()
app.get('/', (_request, response) => response.send('served'))
app.get('/parent', (_request, response) => response.json(module.parent === null))

if (!module.parent) app.listen(3000)
