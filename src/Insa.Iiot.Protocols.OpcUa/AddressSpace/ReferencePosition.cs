namespace Insa.Iiot.Protocols.OpcUa.AddressSpace;

/// <summary>How far a node's references have been gone through. Holds while nodes come and go.</summary>
/// <param name="Next">The number of the next one, of those that do not come and go.</param>
/// <param name="After">The device after which to go on, in the list of devices; or the list of sessions or subscriptions that is gone through.</param>
internal readonly record struct ReferencePosition(int Next, object? After);
