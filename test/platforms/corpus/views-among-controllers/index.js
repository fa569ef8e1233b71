const fs = require('fs')
const express = require('express')

const app = express()
for (const name of fs.readdirSync(__dirname + '/controllers')) {
  if (name.endsWith('.draft')) continue
  const controller = require('./controllers/' + name)
  app.get('/' + name, (req, res) => res.send(controller.show(fs.readFileSync(`${__dirname}/controllers/${name}/show.view`, 'utf8'))))
}
module.exports = app
