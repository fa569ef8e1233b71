const express = require('express')
const app = express()
app.get('/shop', (req, res) => res.json({ path: req.path, query: req.query }))
module.exports = app
