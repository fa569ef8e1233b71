const express = require('express')

express()
  .get('/', (req, res) => res.send('from above'))
  .listen(process.env.PORT)
