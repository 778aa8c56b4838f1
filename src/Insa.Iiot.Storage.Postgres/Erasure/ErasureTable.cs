namespace Insa.Iiot.Storage.Postgres.Erasure;

/// <summary>Something that holds rows of tenants.</summary>
/// <param name="RelationNo">Its own number in the catalogue: of a partition, where a table has them.</param>
/// <param name="Table">The table's name.</param>
internal readonly record struct ErasureTable(uint RelationNo, string Table);
