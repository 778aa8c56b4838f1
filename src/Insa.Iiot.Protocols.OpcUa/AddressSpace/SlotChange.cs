namespace Insa.Iiot.Protocols.OpcUa.AddressSpace;

/// <summary>A metric of a device that is new, or has another type.</summary>
internal readonly record struct SlotChange(int Slot, ModelChangeVerbs Verb);
