module.exports = ['Ada']
