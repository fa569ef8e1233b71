const express = require('express')

const app = express()
app.set('view engine', 'mustaches')
app.set('views', __dirname + '/views')
app.get('/', (req, res) => res.render('index', { name: req.query.name }))
module.exports = app
