"""What outlives or crosses a process: sets, maps, history, presence, publish and subscribe.

``base`` is the interface; ``memory``, ``sqlite`` and ``redis`` each define a ``StorageObject``; ``default`` is memory
under its original name. A storage object never imports the server: it is told once, by ``start``, where to deliver.
"""
