module.exports = (req, res) => {
  const name = req.url.slice(1)
  try {
    res.json(require('./routes/' + name))
  } catch (error) {
    res.status(404).json({ code: error.code })
  }
}
