using Insa.Iiot.Protocols.OpcUa.AddressSpace;
using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;

namespace Insa.Iiot.Protocols.OpcUa.Server.Methods;

/// <summary>One call of a method, whose arguments are as many and of the types that its declaration says.</summary>
/// <param name="Space">Who calls.</param>
/// <param name="ObjectId">The id of what it is called on.</param>
/// <param name="Object">The object of that id; none for the methods of conditions, which need not be nodes.</param>
/// <param name="Arguments">The input arguments.</param>
internal readonly record struct MethodCall(SessionSpace Space, NodeId ObjectId, NodeHandle Object, Variant[] Arguments);
