"""The same plan on several machines, through a Dask cluster. Dask is imported only when a cluster is used."""
