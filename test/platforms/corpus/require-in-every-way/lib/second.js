exports.name = 'second'
exports.store = require('./store')
exports.resolved = require.resolve('./' + 'first')
require('registry-of-ours').add('second')
