const { twice } = require('arithmetic-of-ours')

process.on('message', (n) => process.send(twice(n)))
