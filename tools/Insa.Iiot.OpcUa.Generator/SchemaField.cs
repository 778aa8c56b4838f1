namespace Insa.Iiot.OpcUa.Generator;

/// <summary>A field of a structure; the length of an array is part of the array.</summary>
internal sealed record SchemaField(string Name, string Type, bool IsArray, bool IsOptional);
