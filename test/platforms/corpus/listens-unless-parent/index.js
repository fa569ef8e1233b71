const express = require('express')

const app = express()
app.get('/', (req, res) => res.json({ parent: Boolean(module.parent) }))
if (!module.parent) app.listen(3000)
module.exports = app
