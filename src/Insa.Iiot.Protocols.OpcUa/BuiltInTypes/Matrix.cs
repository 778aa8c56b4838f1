namespace Insa.Iiot.Protocols.OpcUa.BuiltInTypes;

/// <summary>The elements of a variant with more than one dimension, the last dimension running fastest.</summary>
internal sealed record Matrix(Array Elements, int[] Dimensions);
