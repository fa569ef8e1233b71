module.exports = (req, res) => res.end(typeof require('process').uptime())
