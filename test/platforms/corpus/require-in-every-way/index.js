const { createRequire } = require('module')
const lib = './lib/' + ['first', 'second'][1]
const store = require('./lib/store')
const name = 'registry-of-ours'

let missing = 'there'
try {
  require('not-installed-at-all')
} catch (error) {
  missing = error.code
}
const again = require(lib)
store.add('from index')

module.exports = (req, res) =>
  res.json({
    variable: again.name,
    sameStore: again.store === store,
    samePackage: require(name) === require('registry-of-ours'),
    entries: require(name).entries,
    resolved: require.resolve('./lib/first').endsWith('/lib/first.js'),
    resolvedPackage: require.resolve(name).endsWith('/node_modules/registry-of-ours/index.js'),
    resolvedFromLib: again.resolved.endsWith('/lib/first.js'),
    created: createRequire(__filename)('./lib/first').name,
    createdShares: createRequire(__filename)('./lib/store') === store,
    cached: Object.keys(require.cache).some((file) => file.endsWith('/lib/second.js')),
    missing,
    json: require('./' + 'data.json').a,
    main: require.main === module,
  })
