from flask import Blueprint, render_template

pages = Blueprint('pages', __name__)


@pages.get('/<name>')
def page(name):
    return render_template('page.html', name=name)
