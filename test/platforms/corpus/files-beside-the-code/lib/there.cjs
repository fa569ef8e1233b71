const { readFileSync } = require('fs')

exports.there = () => readFileSync(__dirname + '/../data/a.txt', 'utf8')
