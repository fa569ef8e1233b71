const express = require('express')

const app = express()
app.use(express.json())
app.get('/', (req, res) => res.send('hello from express'))
app.get('/users/:id', (req, res) => res.json({ id: req.params.id, q: req.query }))
app.post('/users', (req, res) => res.status(201).json({ made: req.body.name }))
module.exports = app
