namespace Insa.Iiot;

/// <summary>One record of the control plane.</summary>
/// <param name="Scope">Whose it is.</param>
/// <param name="Kind">What it is, such as <c>member</c>.</param>
/// <param name="Id">Names it within scope and kind.</param>
/// <param name="Version">1 when it is inserted, and one more with every replacement.</param>
/// <param name="Body">A JSON object in UTF-8. A store may give back its members in another order and with other white space.</param>
public sealed record ControlRecord(ControlScope Scope, string Kind, string Id, long Version, ReadOnlyMemory<byte> Body);
