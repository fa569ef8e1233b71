exports.first = (req, res) => res.send('first')
exports.second = (req, res) => res.status(201).send({ name: req.query.name || req.body.name })
