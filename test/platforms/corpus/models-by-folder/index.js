const { models, mapper } = require('./models')

module.exports = (req, res) =>
  res.json({ names: Object.keys(models).sort(), registered: mapper.names, found: models.Pet.isOf(mapper) })
