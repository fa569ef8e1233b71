const fs = require('fs')
const path = require('path')
const mapper = require('mapper-of-ours')

const models = {}
for (const file of fs.readdirSync(__dirname).filter((name) => name !== path.basename(__filename))) {
  const model = require(path.join(__dirname, file))
  models[model.label] = model
}
module.exports = { models, mapper }
