exports.name = 'first'
