namespace Insa.Iiot.Protocols.OpcUa.AddressSpace;

/// <summary>A node that came, went or changed, for a GeneralModelChangeEvent (OPC 10000-5 §12.17).</summary>
/// <param name="Affected">The node.</param>
/// <param name="Type">The index of its type definition in <see cref="StandardNodes"/>.</param>
/// <param name="Verb">What happened to it.</param>
internal readonly record struct ModelChange(NodeHandle Affected, int Type, ModelChangeVerbs Verb);
