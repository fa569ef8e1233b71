const name = ['outer-of-ours'][0]

module.exports = require(name)
