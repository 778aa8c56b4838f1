namespace Insa.Iiot.Protocols.OpcUa.Tests.History;

/// <summary>One result of an example table, as text.</summary>
internal readonly record struct ExampleRow(string Time, string Value, string Status)
{
    public override string ToString() => $"{Time} {(Value.Length == 0 ? "-" : Value)} {Status}";
}
