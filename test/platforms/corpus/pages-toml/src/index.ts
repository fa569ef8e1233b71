throw new Error('the app of the browser')
