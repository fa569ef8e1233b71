const { define } = require('mapper-of-ours')

module.exports = define('Pet')
