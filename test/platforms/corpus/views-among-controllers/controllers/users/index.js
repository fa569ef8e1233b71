exports.show = (view) => view.replace('NAME', 'Ada')
