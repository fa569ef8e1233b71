module.exports = require(`../${'words'}`).pets
