const express = require('express')

const app = express()
app.get('/', (req, res) => res.send('the exported one'))
const other = express()
other.get('/', (req, res) => res.send('the other'))
other.listen(3000)
app.listen(3000)
module.exports = app
