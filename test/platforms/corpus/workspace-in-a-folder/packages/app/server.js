const which = () => 'inner-of-ours'

module.exports = (req, res) => res.json([require('inner-of-ours'), require(which()), require('../' + ['shared'][0])])
