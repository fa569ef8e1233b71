const serverless = require('serverless-http')
const express = require('express')

const app = express()
app.use(express.json())
app.post('/echo', (req, res) => res.status(201).json(req.body))
module.exports.handler = serverless(app)
