from flask import Flask, jsonify, render_template, request
from pages import pages

app = Flask(__name__)
app.register_blueprint(pages, url_prefix='/pages')


@app.post('/sum')
def total():
    return jsonify(total=sum(request.get_json()['numbers']))
