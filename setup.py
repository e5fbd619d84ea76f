from setuptools import Extension, setup

# Without a compiler the rest is installed all the same.
setup(
    ext_modules=[
        Extension(
            "filtered_websocket.messages._accelerator", ["filtered_websocket/messages/accelerator.c"], optional=True
        )
    ]
)
