exports.word = (text) => text.toUpperCase()
