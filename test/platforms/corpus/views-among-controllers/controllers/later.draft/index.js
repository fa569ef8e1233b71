require('a-package-that-nobody-has-installed')
const = broken
