const { shout } = require('../../lib/shout')

exports.show = (view) => view.replace('NAME', shout('cat'))
