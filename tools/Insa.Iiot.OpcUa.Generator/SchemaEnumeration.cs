namespace Insa.Iiot.OpcUa.Generator;

internal sealed record SchemaEnumeration(int Bits, bool IsFlags, IReadOnlyList<(string Name, string Value)> Members);
