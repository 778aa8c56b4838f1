namespace Insa.Iiot.OpcUa.Generator;

/// <summary>What is generated: these types and whatever their fields are made of.</summary>
internal static class TypeList
{
    /// <summary>Services: each has a request and a response.</summary>
    public static readonly string[] Services =
    [
        "FindServers",
        "FindServersOnNetwork",
        "GetEndpoints",
        "RegisterServer",
        "RegisterServer2",
        "OpenSecureChannel",
        "CloseSecureChannel",
        "CreateSession",
        "ActivateSession",
        "CloseSession",
        "Cancel",
        "Browse",
        "BrowseNext",
        "TranslateBrowsePathsToNodeIds",
        "RegisterNodes",
        "UnregisterNodes",
        "Read",
        "HistoryRead",
        "Write",
        "HistoryUpdate",
        "Call",
        "CreateMonitoredItems",
        "ModifyMonitoredItems",
        "SetMonitoringMode",
        "SetTriggering",
        "DeleteMonitoredItems",
        "CreateSubscription",
        "ModifySubscription",
        "SetPublishingMode",
        "Publish",
        "Republish",
        "TransferSubscriptions",
        "DeleteSubscriptions",
    ];

    public static readonly string[] Structures =
    [
        "ServiceFault",
        "MdnsDiscoveryConfiguration",
        "AnonymousIdentityToken",
        "UserNameIdentityToken",
        "X509IdentityToken",
        "IssuedIdentityToken",
        "DataChangeFilter",
        "EventFilter",
        "EventFilterResult",
        "AggregateFilter",
        "AggregateFilterResult",
        "DataChangeNotification",
        "EventNotificationList",
        "StatusChangeNotification",
        "ReadEventDetails",
        "ReadRawModifiedDetails",
        "ReadProcessedDetails",
        "ReadAtTimeDetails",
        "HistoryData",
        "HistoryModifiedData",
        "HistoryEvent",
        "UpdateDataDetails",
        "DeleteRawModifiedDetails",
        "DeleteAtTimeDetails",
        "ElementOperand",
        "LiteralOperand",
        "AttributeOperand",
        "SimpleAttributeOperand",
        "Argument",
        "Range",
        "EUInformation",
        "ServerStatusDataType",
        "EnumValueType",
        "EnumDefinition",
        "StructureDefinition",
        "SessionDiagnosticsDataType",
        "SessionSecurityDiagnosticsDataType",
        "SubscriptionDiagnosticsDataType",
        "ServerDiagnosticsSummaryDataType",
        "SamplingIntervalDiagnosticsDataType",
        "RedundantServerDataType",
        "ModelChangeStructureDataType",
        "SemanticChangeStructureDataType",
        "TimeZoneDataType",
        "Annotation",
        "SignedSoftwareCertificate",
        "RolePermissionType",
    ];

    public static readonly string[] Enumerations =
    [
        "NodeClass",
        "ServerState",
        "RedundancySupport",
        "DeadbandType",
        "AttributeWriteMask",
        "PerformUpdateType",
    ];

    /// <summary>Names that would be mistaken for a type of .NET, which every file sees.</summary>
    public static readonly Dictionary<string, string> Renamed = new(StringComparer.Ordinal) { ["Range"] = "UaRange" };

    /// <summary>Instances of namespace 0 that get a constant: those whose symbol starts like this.</summary>
    public static readonly string[] InstancePrefixes =
    [
        "RootFolder",
        "ObjectsFolder",
        "TypesFolder",
        "ViewsFolder",
        "ObjectTypesFolder",
        "VariableTypesFolder",
        "DataTypesFolder",
        "ReferenceTypesFolder",
        "EventTypesFolder",
        "XmlSchema_TypeSystem",
        "OPCBinarySchema_TypeSystem",
        "Server",
        "HistoryServerCapabilities",
        "AggregateFunction_",
        "ModellingRule_Mandatory",
        "ModellingRule_Optional",
        "HAConfiguration",
        "ConditionType_ConditionRefresh",
        "ConditionType_ConditionRefresh2",
        "ConditionType_AddComment",
        "AcknowledgeableConditionType_Acknowledge",
    ];
}
