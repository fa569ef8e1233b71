"""What frameworks expect of a folder that a function's is not: Flask keeps an app's own files in `instance` beside it, and a
function's folder is an immutable bundle. Its instance folder is in the worker's temporary folder, with a copy of what lies
in the bundle's. Nothing of a framework is imported for this."""
import importlib.abc
import importlib.machinery
import os
import shutil
import sys

# Where Flask has the method: in 3 and later, and before.
_APPS = {'flask.sansio.app': 'App', 'flask.app': 'Flask'}


def prepare(load):
    """Before the module is imported. What is not confined writes where it likes."""
    confinement = load.get('confinement')
    if confinement is not None:
        sys.meta_path.insert(0, _Finder(confinement))


class _Finder(importlib.abc.MetaPathFinder):
    def __init__(self, confinement):
        self._confinement = confinement

    def find_spec(self, name, path, target=None):
        if name not in _APPS:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            load = spec.loader.exec_module

            def exec_module(module):
                load(module)
                _move_instance_folder(getattr(module, _APPS[name], None), self._confinement)

            spec.loader.exec_module = exec_module
        return spec


def _move_instance_folder(app_class, confinement):
    find = vars(app_class).get('auto_find_instance_path') if app_class is not None else None
    if find is None:
        return

    def auto_find_instance_path(self):
        found = find(self)
        if any(os.path.join(found, '').startswith(os.path.join(path, '')) for path in confinement['write']):
            return found
        own = os.path.join(confinement['folder'], 'instance', self.import_name)
        if os.path.isdir(found):
            shutil.copytree(found, own, dirs_exist_ok=True)
        else:
            os.makedirs(own, exist_ok=True)
        return own

    app_class.auto_find_instance_path = auto_find_instance_path
