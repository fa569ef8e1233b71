const { word } = require('../words')
module.exports = (req, res) => res.end(word('pong'))
